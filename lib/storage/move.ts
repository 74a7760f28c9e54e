import { createHash } from "node:crypto";
import type { Database } from "../kv.ts";
import { type NamedObject, objectsNamed } from "../objects.ts";
import type { Storage } from "./storage.ts";

export type MoveReport = {
  copied: number;
  bytes: number;
  /** Were there already, whole. */
  skipped: number;
  deleted: number;
  /** Named by a record, and not at the source. */
  missing: string[];
  /** Not the bytes that the record speaks of; not copied. */
  damaged: string[];
};

type Options = {
  db: Database;
  from: Storage;
  to: Storage;
  /** Of one tenant alone. */
  tenant?: string;
  /** Delete at the source what is safely at the target, once everything is. */
  deleteAfter: boolean;
  /** Told after each object. */
  onProgress?: (report: MoveReport) => void;
};

/**
 * Copies the objects that records name from one backend to another. What is there already with the
 * right size is left alone, so that an interrupted run goes on where it was. Nobody else may write.
 */
export async function moveObjects(options: Options): Promise<MoveReport> {
  const { db, from, to, tenant, deleteAfter, onProgress = () => {} } = options;
  const report: MoveReport = {
    copied: 0,
    bytes: 0,
    skipped: 0,
    deleted: 0,
    missing: [],
    damaged: [],
  };
  for await (const object of objectsNamed(db, tenant)) {
    await copy(object, from, to, report);
    onProgress(report);
  }
  if (!deleteAfter || report.missing.length || report.damaged.length) return report;
  for await (const { key, size } of objectsNamed(db, tenant)) {
    const stored = await to.stat(key);
    if (!stored || (size !== null && stored.size !== size)) {
      throw new Error(`${key} is not at the target after all`);
    }
    await from.delete(key);
    report.deleted++;
  }
  return report;
}

async function copy(object: NamedObject, from: Storage, to: Storage, report: MoveReport) {
  const [source, target] = [await from.get(object.key), await to.stat(object.key)];
  const size = object.size ?? source?.size;
  if (target && target.size === size) {
    await source?.body.cancel();
    report.skipped++;
  } else if (!source) {
    report.missing.push(object.key);
  } else {
    const hash = createHash("sha256");
    const watched = source.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          hash.update(chunk);
          controller.enqueue(chunk);
        },
      }),
    );
    await to.put(object.key, watched);
    const stored = await to.stat(object.key);
    const sameHash = object.sha256 === null || hash.digest("hex") === object.sha256;
    if (!stored || stored.size !== size || !sameHash) {
      await to.delete(object.key);
      report.damaged.push(object.key);
      return;
    }
    report.copied++;
    report.bytes += stored.size;
  }
}
