
/* Only in `serve --dev`: a place that stays empty says why, and what is saved is shown at once. */
addEventListener('slot:empty', ({ target, detail }) => {
  for (const old of target.querySelectorAll(':scope > .adserver-dev')) old.remove();
  if (detail && detail.strip) target.insertAdjacentHTML('beforeend', detail.strip);
});
(({ src }) => {
  if (window.adserver.dev) return; // one watches a page
  const LOOK = 1000; // ms
  const generation = new URL('dev/generation', src);
  let served;
  window.adserver.dev = setInterval(async () => {
    if (document.hidden) return;
    try {
      const now = await (await fetch(generation, { credentials: 'omit' })).text();
      // What is on the page may be older than the first look.
      served = served || (document.querySelector('.adserver-dev') || { dataset: {} }).dataset.generation;
      if (served && now !== served) {
        for (const link of document.querySelectorAll('link[href*="slots.css"]')) {
          const sizes = new URL(link.href);
          sizes.searchParams.set('generation', now); // the same address would be taken from memory
          link.href = sizes;
        }
        window.adserver.refresh();
      }
      served = now;
    } catch (_) {} // it is away, or starts again
  }, LOOK);
})(document.currentScript);
