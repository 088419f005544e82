/** What browsers get instead of unix sockets. */
export function socketFetch(_socketPath: string): typeof fetch {
  throw new TypeError('socketPath is for Node; a browser needs a url');
}
