/** What route groups are about, for readers of the document. */
const TAGS: Record<string, string> = {
  ai: "Summaries and drafts by a model",
  audit: "Who did what",
  clients: "Tenants and their keys, for the master key alone",
  files: "Bytes by signed links",
  images: "Pictures: upload, read, find, delete",
  jobs: "Work under way, and steps that gave up",
  keys: "A tenant's own API keys",
  sessions: "Users who sign in: a name and a password for tokens",
  listings: "Shop photos and the drafts that show them",
  live: "What happens, as it happens",
  operations: "Health, figures, documentation",
  privacy: "Everything that is kept of a tenant: taken out, or erased",
  users: "A tenant's own users",
};

const refusal = (description: string) => ({
  description,
  content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
});

/** What every route that asks who is there can answer. */
const REFUSALS = {
  401: refusal("A valid key or token is needed"),
  403: refusal("The key or user lacks the scope that this needs, or this is not allowed"),
  429: refusal("Too many requests"),
};

const METHODS = ["get", "post", "put", "patch", "delete"] as const;

type Operation = {
  tags?: string[];
  summary?: string;
  description?: string;
  operationId?: string;
  responses?: object;
  "x-scope"?: string;
};
type Document = {
  paths?: Record<string, Partial<Record<typeof METHODS[number], Operation>>>;
};

/** Adds to an OpenAPI document what follows from what it says: refusals, operation ids, descriptions, tags. */
export function complete<D extends Document>(document: D) {
  const used = new Set<string>();
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of METHODS) {
      const operation = item[method];
      if (!operation) continue;
      if (operation["x-scope"]) operation.responses = { ...REFUSALS, ...operation.responses };
      operation.operationId ??= [method, ...path.match(/\w+/g) ?? ["root"]].join("_");
      operation.description ??= describe(operation);
      operation.tags?.forEach((tag) => used.add(tag));
    }
  }
  const tags = [...used].sort().map((name) => ({ name, description: TAGS[name] ?? name }));
  return { ...document, tags };
}

function describe({ summary = "", responses = {}, "x-scope": scope }: Operation): string {
  if (scope === "master") return `${summary}. Needs the master key.`;
  if (scope === "any") return `${summary}. Needs a key or a user's token, with any scope.`;
  if (scope === "user") return `${summary}. Needs a user's token.`;
  if (scope) return `${summary}. Needs a key or a user's token with the scope \`${scope}\`.`;
  if ("401" in responses) return `${summary}. Needs METRICS_TOKEN as a bearer where that is set.`;
  return `${summary}. Needs no key.`;
}
