import type { Config } from "../lib/config.ts";
import { Problem } from "../lib/errors.ts";
import { openFoundations } from "../lib/foundations.ts";
import { migrate } from "../lib/schema.ts";
import { createServices, type Services } from "../lib/services.ts";
import { UsageError } from "./command.ts";

/** Opens what Imago is made of, while it is stopped, for one piece of work for one tenant. */
export async function withTenant(
  config: Config,
  /** The first tenant, unless told. */
  wanted: string | undefined,
  work: (services: Services, tenant: string) => Promise<void>,
): Promise<void> {
  const foundations = await openFoundations(config);
  await foundations.folder.noteOpen();
  const services = createServices({ ...foundations, steps: [], ring: () => {} });
  try {
    await migrate(foundations.db);
    const tenant = wanted ?? await services.tenants.findFirst();
    if (!tenant) throw new UsageError("Cannot import: start Imago once, so that there is a client");
    await services.tenants.get(tenant);
    await work(services, tenant);
  } catch (error) {
    if (error instanceof Problem) throw new UsageError(error.detail);
    throw error;
  } finally {
    await foundations.folder.noteClosed();
    await Promise.all([services.close(), foundations.imaging.close()]);
    foundations.folder.release();
  }
}
