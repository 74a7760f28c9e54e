// For the type checker alone: under this name, browsers get the package's own file (see assets.ts).
export { thumbHashToDataURL } from "thumbhash";
