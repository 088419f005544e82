import { useEffect, useRef } from 'preact/hooks';
import { Link, Route, Switch, useLocation } from 'wouter-preact';
import { signOut, token } from './live/session.js';
import { JobScreen } from './screens/job.js';
import { JobsScreen } from './screens/jobs.js';
import { Overview } from './screens/overview.js';
import { SignIn } from './screens/sign-in.js';
import { SubmitScreen } from './screens/submit.js';
import { TimelineScreen } from './screens/timeline.js';
import { UsageScreen } from './screens/usage.js';

/** `g` and then a letter goes to a screen, `/` to the search field. */
const KEYS: Record<string, string> = {
  d: '/',
  j: '/jobs',
  t: '/timeline',
  s: '/submit',
  u: '/usage',
};

export function App() {
  useKeys();
  if (token.value === null) return <SignIn />;
  return (
    <>
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <header class="bar">
        <Link href="/" class="brand">
          Berth
        </Link>
        <nav aria-label="Screens">
          <NavLink href="/">Devices</NavLink>
          <NavLink href="/jobs">Jobs</NavLink>
          <NavLink href="/timeline">Timeline</NavLink>
          <NavLink href="/submit">Submit</NavLink>
          <NavLink href="/usage">Usage</NavLink>
        </nav>
        <button type="button" class="quiet" onClick={signOut}>
          Sign out
        </button>
      </header>
      <main id="main">
        <Switch>
          <Route path="/" component={Overview} />
          <Route path="/jobs" component={JobsScreen} />
          <Route path="/jobs/:job">{({ job }) => <JobScreen reference={job} key={job} />}</Route>
          <Route path="/timeline" component={TimelineScreen} />
          <Route path="/submit" component={SubmitScreen} />
          <Route path="/usage" component={UsageScreen} />
          <Route>
            <h1>There is no such page</h1>
            <Link href="/">To the devices</Link>
          </Route>
        </Switch>
      </main>
    </>
  );
}

function NavLink({ href, children }: { href: string; children: string }) {
  const [path] = useLocation();
  return (
    <Link href={href} aria-current={path === href ? 'page' : undefined}>
      {children}
    </Link>
  );
}

function useKeys(): void {
  const [, go] = useLocation();
  const leading = useRef(false);
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const target = event.target as HTMLElement;
      if (event.ctrlKey || event.metaKey || event.altKey || /INPUT|TEXTAREA|SELECT/.test(target.tagName))
        return;
      const to = KEYS[event.key];
      if (leading.current && to) go(to);
      leading.current = event.key === 'g';
      if (event.key === '/') {
        event.preventDefault();
        document.querySelector<HTMLInputElement>('input[type=search]')?.focus();
      }
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, [go]);
}
