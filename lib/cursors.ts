import { createHmac, timingSafeEqual } from "node:crypto";
import { Problem } from "./errors.ts";

const MAC_BYTES = 16;
const MAX_LENGTH = 600;

/**
 * Opaque marks of a place in a list, good for one tenant and one list only: `position` in base64url
 * behind a truncated HMAC-SHA-256.
 */
export function createCursors(secret: string) {
  const mac = (tenant: string, list: string, position: string) =>
    createHmac("sha256", secret).update(JSON.stringify(["cursor", tenant, list, position])).digest()
      .subarray(0, MAC_BYTES);

  return {
    encode(tenant: string, list: string, position: string): string {
      const bytes = new TextEncoder().encode(position);
      return encodeBase64(new Uint8Array([...mac(tenant, list, position), ...bytes]));
    },

    /** The position, or an `invalid_request` problem for a mark that Imago did not give to this list. */
    decode(tenant: string, list: string, cursor: string): string {
      const refusal = new Problem(
        "invalid_request",
        "Cannot use the cursor: it is not of this list",
      );
      if (cursor.length > MAX_LENGTH || !/^[\w-]+$/.test(cursor)) throw refusal;
      const bytes = decodeBase64(cursor);
      if (!bytes || bytes.length <= MAC_BYTES) throw refusal;
      const position = new TextDecoder().decode(bytes.subarray(MAC_BYTES));
      if (!timingSafeEqual(bytes.subarray(0, MAC_BYTES), mac(tenant, list, position))) {
        throw refusal;
      }
      return position;
    },
  };
}

export type Cursors = ReturnType<typeof createCursors>;

function encodeBase64(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** The bytes; null for anything but the one spelling that `encodeBase64` gives. */
function decodeBase64(text: string): Uint8Array | null {
  try {
    const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
    return encodeBase64(bytes) === text ? bytes : null;
  } catch {
    return null; // not base64url: not ours
  }
}
