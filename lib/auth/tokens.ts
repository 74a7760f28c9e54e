import { jwtVerify, SignJWT } from "jose";
import { JOSEError } from "jose/errors";
import { z } from "zod";
import type { Clock } from "../clock.ts";

/** The one algorithm, whatever a token says of itself. */
const ALG = "HS256";
const ISSUER = "imago";
/** A longer one is none of ours: it is not even hashed. */
const MAX_LENGTH = 2_000;
/** The clocks of two processes may differ so much; no token lives longer for it. */
const SKEW_SECONDS = 5;

/** What a token is for; its `typ` (RFC 9068 has the first) and its audience. */
const KINDS = {
  access: { typ: "at+jwt", audience: "imago:api" },
  refresh: { typ: "rt+jwt", audience: "imago:refresh" },
} as const;
export type TokenKind = keyof typeof KINDS;

const Header = z.strictObject({ alg: z.literal(ALG), typ: z.string() });
const Claims = z.object({
  sub: z.uuid(),
  tenant: z.uuid(),
  sid: z.uuid(),
  jti: z.uuid(),
  iat: z.number().int(),
  exp: z.number().int(),
});
/** Whose token it is, of which session, and until when (seconds since 1970). */
export type Claims = z.infer<typeof Claims>;

type Deps = {
  clock: Clock;
  newId: () => string;
  /** The first signs, each is accepted. */
  secrets: string[];
};

/** Signs and checks what users carry (JWT, RFC 7519; checks after RFC 8725). */
export function createTokens({ clock, newId, secrets }: Deps) {
  const keys = secrets.map((secret) => new TextEncoder().encode(secret));
  const now = () => Math.floor(clock.now() / 1000);

  const check = async (kind: TokenKind, token: string, key: Uint8Array): Promise<Claims | null> => {
    const { typ, audience } = KINDS[kind];
    try {
      const { payload, protectedHeader } = await jwtVerify(token, key, {
        algorithms: [ALG],
        typ,
        audience,
        issuer: ISSUER,
        currentDate: new Date(clock.now()),
        clockTolerance: SKEW_SECONDS,
      });
      Header.parse(protectedHeader);
      const claims = Claims.parse(payload);
      const inTime = claims.exp > now() && claims.iat <= now() + SKEW_SECONDS;
      return inTime ? claims : null;
    } catch (error) {
      if (error instanceof JOSEError || error instanceof z.ZodError) return null;
      throw error;
    }
  };

  return {
    /** A signed token that is good for `seconds`. */
    sign(
      kind: TokenKind,
      { tenant, user, session }: { tenant: string; user: string; session: string },
      seconds: number,
    ): Promise<string> {
      const { typ, audience } = KINDS[kind];
      return new SignJWT({ tenant, sid: session })
        .setProtectedHeader({ alg: ALG, typ })
        .setIssuer(ISSUER)
        .setAudience(audience)
        .setSubject(user)
        .setJti(newId())
        .setIssuedAt(now())
        .setExpirationTime(now() + seconds)
        .sign(keys[0]!);
    },

    /** What a token says, when it is ours, of that kind, unchanged and in time; else null. */
    async verify(kind: TokenKind, token: string): Promise<Claims | null> {
      if (!isShaped(token)) return null;
      for (const key of keys) {
        const claims = await check(kind, token, key);
        if (claims) return claims;
      }
      return null;
    },
  };
}

export type Tokens = ReturnType<typeof createTokens>;

/** Whether a string looks like a token, to tell it from a key. */
export function isShaped(token: string): boolean {
  return token.length <= MAX_LENGTH && /^ey[\w-]+\.[\w-]+\.[\w-]+$/.test(token);
}
