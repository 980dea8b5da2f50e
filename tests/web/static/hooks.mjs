const STATIC = new URL("../../../wylloh_server/web/static/", import.meta.url);

export function resolve(specifier, context, next) {
  const name = specifier.startsWith("/static/") ? new URL(specifier.slice("/static/".length), STATIC).href : specifier;
  return next(name, context);
}

export function load(url, context, next) {
  return next(url, url.includes("/static/") && url.endsWith(".js") ? { ...context, format: "module" } : context);
}
