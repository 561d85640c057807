
/* Only in `serve --dev`: a place that stays empty says why. */
addEventListener('slot:empty', ({ target, detail }) => {
  for (const old of target.querySelectorAll(':scope > .adserver-dev')) old.remove();
  if (detail && detail.strip) target.insertAdjacentHTML('beforeend', detail.strip);
});
