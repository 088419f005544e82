/** What went wrong, said at once also to who doesn't see it. */
export function Trouble({ error }: { error: string | null }) {
  return error === null ? null : (
    <span role="alert" class="trouble">
      {error}
    </span>
  );
}
