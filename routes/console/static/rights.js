/**
 * Whether somebody has a right of their tenant. Administrators have them all.
 * @param {import("./app.js").Me} me
 * @param {string} scope
 */
export function may({ tenant, scopes }, scope) {
  return tenant !== null && (scopes.includes(scope) || scopes.includes("admin"));
}
