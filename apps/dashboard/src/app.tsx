import { useCallback, useState } from 'preact/hooks';
import { Link, Route, Switch, useLocation } from 'wouter-preact';
import { useKeys } from './live/keys.js';
import { askMe, Viewer } from './live/me.js';
import { usePoll } from './live/poll.js';
import { signOut, token } from './live/session.js';
import { useTitle } from './live/title.js';
import { KeyHelp } from './parts/key-help.js';
import { OldAnswers } from './parts/old-answers.js';
import { SimulatedBadge } from './parts/simulated-badge.js';
import { WhoLooks } from './parts/who-looks.js';
import { JobScreen } from './screens/job.js';
import { JobsScreen } from './screens/jobs.js';
import { Overview } from './screens/overview.js';
import { SignIn } from './screens/sign-in.js';
import { SubmitScreen } from './screens/submit.js';
import { TimelineScreen } from './screens/timeline.js';
import { UsageScreen } from './screens/usage.js';

/** Roles change seldom. */
const ASK_WHO_EVERY_MS = 60_000;

export function App() {
  return token.value === null ? <SignIn /> : <Screens />;
}

function Screens() {
  const [isHelping, setHelping] = useState(false);
  useKeys(useCallback(() => setHelping(true), []));
  const { data: me } = usePoll(askMe, ASK_WHO_EVERY_MS);
  return (
    <Viewer.Provider value={me}>
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
        <SimulatedBadge />
        <WhoLooks />
        <button type="button" class="quiet" onClick={() => setHelping(true)}>
          Keys
        </button>
        <button type="button" class="quiet" onClick={signOut}>
          Sign out
        </button>
      </header>
      <main id="main">
        <OldAnswers />
        <Switch>
          <Route path="/" component={Overview} />
          <Route path="/jobs" component={JobsScreen} />
          <Route path="/jobs/:job">{({ job }) => <JobScreen reference={job} key={job} />}</Route>
          <Route path="/timeline" component={TimelineScreen} />
          <Route path="/submit" component={SubmitScreen} />
          <Route path="/usage" component={UsageScreen} />
          <Route component={NoScreen} />
        </Switch>
      </main>
      {isHelping ? <KeyHelp onClose={() => setHelping(false)} /> : null}
    </Viewer.Provider>
  );
}

function NoScreen() {
  useTitle('There is no such page');
  return (
    <>
      <h1>There is no such page</h1>
      <Link href="/">To the devices</Link>
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
