import { getLogger } from "@logtape/logtape";
import type { Audit } from "../audit.ts";
import { type Clock, timestamp } from "../clock.ts";
import { Problem } from "../errors.ts";
import { type Database, newestFirst, type Transaction } from "../kv.ts";
import type { Locks } from "../locks.ts";
import type { Login, Session, SessionTokens, User, UserView } from "../model/user.ts";
import { tables } from "../tables.ts";
import { equalHashes, sha256Of } from "./key_format.ts";
import type { Passwords } from "./passwords.ts";
import type { Principals } from "./principals.ts";
import type { Claims, Tokens } from "./tokens.ts";
import { nameKey } from "./user_names.ts";

const log = getLogger(["imago", "sessions"]);

const ACCESS_SECONDS = 15 * 60;
const DAY_SECONDS = 24 * 60 * 60;
/** How long a session may rest, by `remember`. */
const REST_SECONDS = { true: 30 * DAY_SECONDS, false: DAY_SECONDS };
/** A user's sessions at once; a further one ends the oldest. */
const MAX_SESSIONS = 50;

type Deps = {
  db: Database;
  clock: Clock;
  newId: () => string;
  locks: Locks;
  tokens: Tokens;
  passwords: Passwords;
  principals: Principals;
  audit: Audit;
};

/**
 * Who is signed in. A session is a family of refresh tokens, each good for one use: the next one
 * takes its place, and who shows a used one ends the family (RFC 9700, 4.14.2). Access tokens live
 * as long as their session, at most.
 */
export function createSessions(
  { db, clock, newId, locks, tokens, passwords, principals, audit }: Deps,
) {
  const placeOf = ({ tenant, user, id }: Pick<Session, "tenant" | "user" | "id">) =>
    tables.sessions.key(tenant, user, id);

  const drop = (tx: Transaction, session: Pick<Session, "tenant" | "user" | "id">) => {
    tx.delete(placeOf(session));
    tx.afterCommit(() => principals.forget(session.tenant));
  };

  const all = (user: Pick<User, "tenant" | "id">) =>
    newestFirst<Session>(db, tables.sessions.prefix(user.tenant, user.id), 2 * MAX_SESSIONS);

  /** Gives a session its next pair of tokens. */
  const renew = async (tx: Transaction, user: User, session: Omit<Session, "refresh_sha256">) => {
    const holder = { tenant: user.tenant, user: user.id, session: session.id };
    const rest = REST_SECONDS[`${session.remember}`];
    const [access_token, refresh_token] = await Promise.all([
      tokens.sign("access", holder, ACCESS_SECONDS),
      tokens.sign("refresh", holder, rest),
    ]);
    const renewed: Session = {
      ...session,
      refresh_sha256: sha256Of(refresh_token),
      refreshed_at: timestamp(clock.now()),
      expires_at: timestamp(clock.now() + rest * 1000),
    };
    tx.set(placeOf(session), renewed, { expireIn: rest * 1000 });
    const given: SessionTokens = {
      access_token,
      refresh_token,
      token_type: "bearer",
      expires_in: ACCESS_SECONDS,
      user: viewOf(user),
    };
    return given;
  };

  const findByName = async (username: string): Promise<User | null> => {
    const place = await db.get(tables.usersByName.key(nameKey(username)));
    return place && await db.get(tables.users.key(place.tenant, place.user));
  };

  const isWelcome = async (tx: Transaction, user: User | null): Promise<boolean> =>
    user !== null && user.active &&
    (await tx.get(tables.tenants.key(user.tenant)))?.active === true;

  /** Opens a session for who has proved to be `known`, unless they may not (any more). */
  const open = (known: User, password_hash: string, remember: boolean) =>
    db.transact(async (tx) => {
      const place = tables.users.key(known.tenant, known.id);
      const user = await tx.get(place);
      const unchanged = user?.password_hash === known.password_hash;
      if (!user || !unchanged || !await isWelcome(tx, user)) return null;
      const now = timestamp(clock.now());
      const after: User = { ...user, password_hash, last_login_at: now };
      tx.set(place, after);
      (await all(user)).slice(MAX_SESSIONS - 1).forEach((oldest) => drop(tx, oldest));
      const { tenant, id } = user;
      audit.note(tx, tenant, `user:${id}`, "user.signed_in", { subject: id });
      const session = { id: newId(), tenant, user: id, remember, created_at: now };
      return await renew(tx, after, { ...session, refreshed_at: now, expires_at: now });
    });

  /** The next tokens for who shows a refresh token; null, and the end of its family, for a used one. */
  const rotate = ({ tenant, sub, sid }: Claims, sha256: string) =>
    db.transact(async (tx) => {
      const session = await tx.get(tables.sessions.key(tenant, sub, sid));
      const user = await tx.get(tables.users.key(tenant, sub));
      if (!session || !user || !await isWelcome(tx, user)) return null;
      if (equalHashes(session.refresh_sha256, sha256)) return await renew(tx, user, session);
      drop(tx, session);
      audit.note(tx, tenant, `user:${sub}`, "session.reuse_detected", { subject: sid });
      tx.afterCommit(() =>
        log.warning("A used refresh token of {user} came again: its session is over", { user: sub })
      );
      return null;
    });

  return {
    /** Signs a user in. `unauthorized`, in the same time and words, whatever is wrong. */
    async signIn({ username, password, remember_me }: Login): Promise<SessionTokens> {
      const user = await findByName(username);
      const matches = await passwords.matches(password, user?.password_hash ?? null);
      if (!user || !matches) throw wrong();
      const { password_hash: known } = user;
      const kept = passwords.isOutdated(known) ? await passwords.hash(password) : known;
      const given = await open(user, kept, remember_me);
      if (!given) throw wrong();
      return given;
    },

    /** The next tokens of a session; the refresh token is good for this once. */
    async refresh(token: string): Promise<SessionTokens> {
      const claims = await tokens.verify("refresh", token);
      const given = claims &&
        await locks.run(`session:${claims.sid}`, () => rotate(claims, sha256Of(token)));
      if (!given) throw new Problem("unauthorized", "Cannot refresh: sign in again");
      return given;
    },

    /** Ends a session: its tokens are refused from now on. */
    async end(tenant: string, user: string, session: string): Promise<void> {
      await db.transact((tx) => drop(tx, { tenant, user, id: session }));
    },

    /** Ends a user's sessions, but for `except`, within the transaction that changes the user. */
    async endAll(tx: Transaction, user: User, except?: string): Promise<void> {
      for (const session of await all(user)) if (session.id !== except) drop(tx, session);
    },
  };
}

export type Sessions = ReturnType<typeof createSessions>;

/** What others may see of a user. */
export function viewOf({ tenant: _, password_hash: __, ...shown }: User): UserView {
  return shown;
}

function wrong(): Problem {
  return new Problem("unauthorized", "Cannot sign in: the name or the password is wrong");
}
