const SECRET = /pass|pwd|pw$|user|usr|login|account|token|key|auth|secret|sig|cred/i;
const MASK = "***";

/** A camera's address as it may be shown: user, password and secrets in the query are masked. */
export function maskUrl(text: string): string {
  const url = new URL(text);
  if (url.username || url.password) url.username = url.password = MASK;
  for (const name of new Set(url.searchParams.keys())) {
    if (SECRET.test(name)) url.searchParams.set(name, MASK);
  }
  url.hash = "";
  return url.href;
}
