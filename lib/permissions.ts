import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import swaggerFolder from "swagger-ui-dist/absolute-path.js";
import { ALIASES, type Config, ConfigError, readConfig, VARIABLES } from "./config.ts";
import { FFMPEG } from "./ffmpeg.ts";
import { NVIDIA_SMI } from "./machine.ts";

/**
 * Prints the Deno permissions that this configuration needs and no more, for the tasks of
 * deno.json: which folders to read and write, which variables to see, which programs to run.
 */
if (import.meta.main) {
  // deno-lint-ignore no-console -- its output is its purpose
  console.log(permissions().join(" "));
}

/** Flags for `deno run`. Network stays open: whom Imago calls is decided by its own rules. */
export function permissions(): string[] {
  try {
    return permissionsFor(readConfig());
  } catch (error) {
    // Enough for the program to say itself what is wrong.
    if (error instanceof ConfigError) return ["--allow-env", "--allow-read=."];
    throw error;
  }
}

function permissionsFor(config: Config): string[] {
  const { DATA_DIR, DATABASE_URL, PREDICT_MODEL_PATH, DETECT_MODEL_PATH } = config;
  const database = DATABASE_URL && !/^https?:/.test(DATABASE_URL) ? [DATABASE_URL] : [];
  const kept = [DATA_DIR, ...database.flatMap((path) => [path, `${path}-wal`, `${path}-shm`])];
  // The labels stand beside the model.
  const models = [PREDICT_MODEL_PATH, DETECT_MODEL_PATH].flatMap((path) =>
    path ? [dirname(path)] : []
  );
  // What holds the child processes, plays RTSP and knows of graphics cards, where it is installed.
  const programs = [...["prlimit", "unshare", "setpriv", "nice"], FFMPEG, NVIDIA_SMI];
  const variables = [...VARIABLES.map(({ name }) => name), ...Object.keys(ALIASES)];
  return [
    "--allow-net",
    // HOME and DENO_DIR tell the child processes where the packages are.
    `--allow-env=${["HOME", "DENO_DIR", ...variables].join(",")}`,
    "--ignore-env",
    `--allow-read=${[".", npmCache(), ...models, ...kept].join(",")}`,
    `--allow-write=${kept.join(",")}`,
    "--allow-sys=statfs,cpus,loadavg,systemMemoryInfo",
    `--allow-run=${[Deno.execPath(), ...programs.filter(isInstalled)].join(",")}`,
  ];
}

/** Whether a program is found as a shell finds it. */
function isInstalled(program: string): boolean {
  const folders = (Deno.env.get("PATH") ?? "").split(":").filter(Boolean);
  return folders.some((folder) => existsSync(join(folder, program)));
}

/** The folder of downloaded packages, some of whose files Imago serves or hands to its children. */
function npmCache(): string {
  const folder = swaggerFolder();
  return folder.slice(0, folder.lastIndexOf("/swagger-ui-dist/"));
}
