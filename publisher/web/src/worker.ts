// Puts the service worker in place, and says when it has taken over so that what is on the screen can be kept.

/** `ready` is called once a first worker controls this page. */
export function install(ready: () => void): void {
  const workers = navigator.serviceWorker;
  if (!workers) return;
  if (!workers.controller) workers.addEventListener("controllerchange", ready, { once: true });
  addEventListener("load", () => void workers.register("/sw.js").catch(() => undefined));
}
