/** Why the ledger refused a transition. A refusal has changed nothing. */
export type RefusalCode =
  | 'not_found'
  | 'wrong_state'
  | 'stale_attempt'
  | 'already_claimed'
  | 'not_leading'
  | 'not_in_line'
  | 'device_held'
  | 'device_kept'
  | 'not_preemptible'
  | 'no_checkpoint_signal'
  | 'dependency_unmet'
  | 'changed_meanwhile'
  | 'depended_on'
  | 'code_removed'
  | 'idempotency_conflict'
  | 'exists'
  | 'expired'
  | 'disabled';

/** A transition that the ledger's checks did not allow. */
export class LedgerRefusal extends Error {
  override readonly name = 'LedgerRefusal';

  readonly code: RefusalCode;
  /** What the check found instead: a state, an attempt, a holder. */
  readonly found: readonly string[];

  constructor(transition: string, subject: string, code: RefusalCode, found: readonly string[]) {
    super(`ledger.${transition} of ${subject} refused: ${[code, ...found].join(' ')}`);
    this.code = code;
    this.found = found;
  }
}
