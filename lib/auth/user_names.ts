/** Under what a name is found: names that look the same are the same. */
export function nameKey(username: string): string {
  return username.trim().normalize("NFKC").toLowerCase();
}
