import type { Clock } from "./clock.ts";
import { Problem } from "./errors.ts";
import type { Database, Transaction } from "./kv.ts";
import type { AiUsage } from "./model/image.ts";
import type { Tenant } from "./model/tenant.ts";
import { tables } from "./tables.ts";

/** Costs are counted in millionths of a US dollar. */
const MICRO = 1_000_000;

type Amount = { tokens: number; microUsd: number };

/** What one tenant used of AI in a month, in UTC. */
export type AiSpending = { month: string; calls: number; tokens: number; cost: number };

/** AI that tenants use by the month: reserved before each call, settled after it. */
export function createBudgets({ db, clock }: { db: Database; clock: Clock }) {
  const month = () => new Date(clock.now()).toISOString().slice(0, 7);

  const add = (tx: Transaction, tenant: string, month: string, amount: Amount, calls: number) => {
    const counters = { tokens: amount.tokens, micro_usd: amount.microUsd, calls };
    for (const [counter, value] of Object.entries(counters)) {
      if (value) tx.sum(tables.aiSpending.key(tenant, month, counter), value);
    }
  };

  const reserve = (tenant: Tenant, month: string, most: Amount) =>
    db.transact(async (tx) => {
      const used = async (counter: string) =>
        Number((await tx.get(tables.aiSpending.key(tenant.id, month, counter)))?.value ?? 0n);
      const budget = tenant.ai_budget;
      refuseOverflow(await used("tokens") + most.tokens, budget?.tokens_per_month);
      refuseOverflow(
        await used("micro_usd") + most.microUsd,
        budget?.cost_per_month && budget.cost_per_month * MICRO,
      );
      add(tx, tenant.id, month, most, 0);
    });

  return {
    /**
     * Makes one call to a model within the tenant's budget. `atMost` is what it can use at the most;
     * what it did use, also in failing, takes its place. Throws `budget_exceeded` without calling.
     */
    async spend<T extends { usage: AiUsage }>(
      tenant: Tenant,
      atMost: AiUsage,
      call: () => Promise<T>,
    ): Promise<T> {
      const now = month();
      const reserved = tenant.ai_budget ? amountOf(atMost) : { tokens: 0, microUsd: 0 };
      if (tenant.ai_budget) await reserve(tenant, now, reserved);
      let used: AiUsage | null = null;
      try {
        const answer = await call();
        used = answer.usage;
        return answer;
      } catch (error) {
        used = usageOf(error);
        throw error;
      } finally {
        const spent = used ? amountOf(used) : { tokens: 0, microUsd: 0 };
        await db.transact((tx) =>
          add(tx, tenant.id, now, {
            tokens: spent.tokens - reserved.tokens,
            microUsd: spent.microUsd - reserved.microUsd,
          }, used ? 1 : 0)
        );
      }
    },

    /** What the tenant has used this month; reserved calls count until they are settled. */
    async spending(tenant: string): Promise<AiSpending> {
      const now = month();
      const read = async (counter: string) =>
        Number((await db.get(tables.aiSpending.key(tenant, now, counter)))?.value ?? 0n);
      const [calls, tokens, micro] = await Promise.all(["calls", "tokens", "micro_usd"].map(read));
      return { month: now, calls: calls!, tokens: tokens!, cost: micro! / MICRO };
    },
  };
}

export type Budgets = ReturnType<typeof createBudgets>;

function amountOf({ input_tokens, output_tokens, cost }: AiUsage): Amount {
  return { tokens: input_tokens + output_tokens, microUsd: Math.ceil((cost ?? 0) * MICRO) };
}

/** A call that failed may have been billed all the same; its error says so. */
function usageOf(error: unknown): AiUsage | null {
  if (!(error instanceof Error) || !("usage" in error)) return null;
  return error.usage as AiUsage | null;
}

function refuseOverflow(sum: number, limit: number | null | undefined) {
  if (limit !== null && limit !== undefined && sum > limit) {
    throw new Problem(
      "budget_exceeded",
      "Cannot ask the model: the AI budget of this month is used up",
    );
  }
}
