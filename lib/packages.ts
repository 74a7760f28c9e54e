/** Where Deno keeps npm packages: known from where one of them is, without any permission. */
export const PACKAGES = decodeURIComponent(
  new URL("../../", import.meta.resolve("thumbhash")).pathname,
);
