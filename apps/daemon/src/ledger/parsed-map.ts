/** A hash of JSON texts. */
export function parsedMap<Value>(hash: Record<string, string>): Map<string, Value> {
  return new Map(Object.entries(hash).map(([field, json]) => [field, JSON.parse(json) as Value]));
}
