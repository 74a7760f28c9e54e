import type { Box } from "../model/event.ts";
import type { Tenant } from "../model/tenant.ts";

/** One thing in a picture. */
export type Detection = {
  /** Lower case: `person`, `car` … */
  label: string;
  /** 0..1; null where nobody can tell. */
  confidence: number | null;
  box: Box;
};

/** Finds the things in a camera's picture. Throws a `Problem` when it cannot look. */
export type Detector = (
  tenant: Tenant,
  jpeg: Uint8Array,
  signal: AbortSignal,
) => Promise<Detection[]>;
