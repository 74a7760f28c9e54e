import type { Scope } from "../model/tenant.ts";

/** Whether who holds `held` may do all of `wanted`; `admin` implies every other scope. */
export function covers(held: readonly Scope[], wanted: readonly Scope[]): boolean {
  return held.includes("admin") || wanted.every((scope) => held.includes(scope));
}

/** What both allow: a key never does more than its tenant may. */
export function narrow(scopes: readonly Scope[], bound: readonly Scope[]): Scope[] {
  if (bound.includes("admin")) return [...scopes];
  if (scopes.includes("admin")) return [...bound];
  return scopes.filter((scope) => bound.includes(scope));
}
