import type {
  NewToken,
  RegisteredUser,
  Token,
  TokenList,
  TokenSubmissionInput,
  UserChange,
  UserList,
  UserSubmissionInput,
} from '@berth/contract';
import type { RequestOptions, SubmitOptions } from './jobs.js';
import type { Transport } from './transport.js';

/** Who may use Berth. All of it is for admins. */
export class Users {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /** @throws BerthProblem `user_conflict` where there is one of that name */
  create(user: UserSubmissionInput, options: SubmitOptions = {}): Promise<RegisteredUser> {
    return this.transport.json({ method: 'POST', makes: true, path: '/v1/users', body: user, ...options });
  }

  /** All of them, by name. */
  async list(options: RequestOptions = {}): Promise<RegisteredUser[]> {
    return (await this.transport.json<UserList>({ path: '/v1/users', ...options })).items;
  }

  /** Changes a role, or the account that jobs run as; or keeps somebody out (`disabled`). */
  change(name: string, change: UserChange, options: RequestOptions = {}): Promise<RegisteredUser> {
    return this.transport.json({ method: 'PATCH', path: pathOf(name), body: change, ...options });
  }

  /** Removes a user and their tokens; their jobs stay. @returns who it was */
  delete(name: string, options: RequestOptions = {}): Promise<RegisteredUser> {
    return this.transport.json({ method: 'DELETE', path: pathOf(name), ...options });
  }
}

/** What opens Berth to programs. Users have their own; admins everybody's. */
export class Tokens {
  private readonly transport: Transport;

  constructor(transport: Transport) {
    this.transport = transport;
  }

  /**
   * Makes one. Its text is in this answer and nowhere else; a lost answer is asked for again with the same key, which shows the same
   * token. A key of yours must be random: the token is made of it.
   */
  create(user: string, token: TokenSubmissionInput = {}, options: SubmitOptions = {}): Promise<NewToken> {
    const path = `${pathOf(user)}/tokens`;
    return this.transport.json({ method: 'POST', makes: true, path, body: token, ...options });
  }

  /** A user's tokens, oldest first. */
  async list(user: string, options: RequestOptions = {}): Promise<Token[]> {
    return (await this.transport.json<TokenList>({ path: `${pathOf(user)}/tokens`, ...options })).items;
  }

  /** From the answer on it opens nothing. @returns what it was */
  revoke(token: string | Pick<Token, 'id'>, options: RequestOptions = {}): Promise<Token> {
    const id = typeof token === 'object' ? token.id : token;
    return this.transport.json({
      method: 'DELETE',
      path: `/v1/tokens/${encodeURIComponent(id)}`,
      ...options,
    });
  }
}

const pathOf = (name: string): string => `/v1/users/${encodeURIComponent(name)}`;
