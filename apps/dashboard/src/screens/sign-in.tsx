import { useState } from 'preact/hooks';
import { signIn } from '../live/session.js';
import { useTitle } from '../live/title.js';

export function SignIn() {
  useTitle('Sign in');
  const [given, setGiven] = useState('');
  return (
    <main class="sign-in">
      <h1>Berth</h1>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (given.trim()) signIn(given.trim());
        }}
      >
        <label for="token">Token</label>
        <input
          id="token"
          type="password"
          autocomplete="current-password"
          value={given}
          onInput={({ currentTarget }) => setGiven(currentTarget.value)}
        />
        <button type="submit">Sign in</button>
      </form>
      <p>
        On the host it is in the file <code>token</code> of the daemon's data directory.{' '}
        <code>berth dashboard</code> prints an address that holds it.
      </p>
    </main>
  );
}
