/* <script async src="https://ads.example/tag.js" data-section="tech"></script>
 * fills every <div data-slot="post-top"></div> of the page; its data-* are the call's context.
 * Slots fire slot:filled, slot:empty, slot:error (detail: the decision);
 * adserver.refresh(["post-top"]) decides again. No cookie, no id, no inline style; in localStorage
 * how often campaigns with a frequency cap were seen.
 */
(() => {
  'use strict';
  const script = document.currentScript;
  if (!script || (window.adserver && window.adserver.refresh)) return; // one tag fills a page

  const base = new URL('.', script.src); // the server's root: where tag.js lies
  const MAX_SLOTS = 32; // of one call
  const TIMEOUT = 5000; // ms
  const LARGE = 242500; // px²; 30 % in view is enough of a larger ad, else 50 % (IAB/MRC)
  const MARKS = 'adserver.marks'; // [campaign, per, end, times, cap] of each, the last shown first
  const MAX_MARKS = 64; // campaigns; the server reads no more names
  const MAX_CAPPED = 2000; // characters of their names in one call
  const FLIGHT = 400 * 864e5; // ms that a flight's mark is kept: no browser keeps a cookie longer
  const PRIVATE = { credentials: 'omit', referrerPolicy: 'strict-origin' };

  const latest = new WeakMap(); // slot: its decision; what an older one loads is nothing
  const before = new WeakMap(); // slot: its attributes and children before the ad

  const find = (selector, root = document) => [...root.querySelectorAll(selector)];
  const once = (target, type) => new Promise((done) => target.addEventListener(type, done, { once: true }));
  const tell = (slot, what, detail) =>
    slot.dispatchEvent(new CustomEvent(`slot:${what}`, { bubbles: true, detail }));

  // "/i/…" is counted from the server's root, which need not be its host's.
  const resolve = (url) =>
    new URL(/^\/(?!\/)/.test(url) && !url.startsWith(base.pathname) ? url.slice(1) : url, base).href;

  // Global Privacy Control or Do Not Track.
  const objects = () => navigator.globalPrivacyControl || navigator.doNotTrack === '1';

  // Not sendBeacon: it would send cookies.
  const beacon = (url) =>
    fetch(resolve(url), { method: 'POST', mode: 'no-cors', keepalive: true, ...PRIVATE }).catch(() => {});

  // When a period that begins now is over, by the reader's calendar.
  function endOf(per) {
    const now = new Date();
    const [year, month, day] = [now.getFullYear(), now.getMonth(), now.getDate()];
    return +{
      hour: +now + 36e5,
      day: new Date(year, month, day + 1),
      week: new Date(year, month, day + 8 - (now.getDay() || 7)), // Monday
      month: new Date(year, month + 1, 1),
      flight: +now + FLIGHT,
    }[per];
  }

  function keep(marks) {
    try {
      if (marks.length) localStorage.setItem(MARKS, JSON.stringify(marks.slice(0, MAX_MARKS)));
      else localStorage.removeItem(MARKS);
    } catch (_) {} // switched off, or full
    return marks;
  }

  // Not what is over, nor what a clock that went wrong has put off for years.
  function marks() {
    let good = [];
    try {
      const all = objects() ? [] : JSON.parse(localStorage.getItem(MARKS)) || [];
      good = all.filter(([, per, end]) => end > Date.now() && end <= endOf(per));
    } catch (_) {} // switched off, or not ours
    return keep(good);
  }

  const seen = ({ campaign, frequency: { per } }) =>
    marks().find((mark) => mark[0] === campaign && mark[1] === per) || [campaign, per, endOf(per), 0];

  function mark(decision) {
    if (!decision.frequency || objects()) return;
    const [campaign, per, end, times] = seen(decision);
    const others = marks().filter(([name]) => name !== campaign);
    keep([[campaign, per, end, times + 1, decision.frequency.impressions], ...others]);
  }

  async function decide(slots, others) {
    const query = new URLSearchParams({ url: location.origin + location.pathname });
    for (const { name, value } of script.attributes) {
      if (/^data-./.test(name) && value) query.set(name.slice(5), value);
    }
    query.set('slots', slots.map(({ dataset }) => dataset.slot).join());
    const placed = new Set(others.map(({ dataset }) => dataset.campaign));
    if (placed.size) query.append('exclude', [...placed].join());
    const capped = marks().filter(([, , , times, cap]) => times >= cap).map(([name]) => name);
    while (capped.join().length > MAX_CAPPED) capped.pop();
    if (capped.length) query.append('capped', capped.join());
    const abort = new AbortController();
    const timer = setTimeout(() => abort.abort(), TIMEOUT);
    try {
      const answer = await fetch(new URL(`decisions?${query}`, base), { signal: abort.signal, ...PRIVATE });
      if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
      const { decisions } = await answer.json();
      return slots.map(({ dataset }) => { // a slot that stands twice in the page has two decisions
        const at = decisions.findIndex(({ slot }) => slot === dataset.slot);
        return at < 0 ? null : decisions.splice(at, 1)[0];
      });
    } finally {
      clearTimeout(timer);
    }
  }

  function parse(html) {
    const template = document.createElement('template'); // inert: nothing loads yet
    template.innerHTML = html;
    for (const name of ['src', 'href', 'poster', 'srcset']) {
      for (const node of find(`[${name}]:not([href^="#"])`, template.content)) {
        const urls = node.getAttribute(name).split(name === 'srcset' ? /,\s+/ : /$/);
        node.setAttribute(name, urls.map((url) => url.trim().replace(/^\S+/, resolve)).join(', '));
      }
    }
    return template.content.firstElementChild;
  }

  function clear(slot) {
    if (!slot.hasAttribute('data-campaign')) return;
    const [attributes, children] = before.get(slot) || [[['data-campaign'], ['data-creative']], []];
    for (const [name, value] of attributes) {
      if (value == null) slot.removeAttribute(name);
      else slot.setAttribute(name, value);
    }
    slot.replaceChildren(...children);
  }

  function place(slot, wrapper) {
    clear(slot);
    const gone = ['data-collapsed', 'aria-hidden']; // of an empty slot
    const names = [...wrapper.getAttributeNames(), ...gone];
    before.set(slot, [names.map((name) => [name, slot.getAttribute(name)]), [...slot.childNodes]]);
    for (const { name, value } of wrapper.attributes) {
      if (name === 'class') slot.classList.add(...wrapper.classList);
      else slot.setAttribute(name, value);
    }
    gone.forEach((name) => slot.removeAttribute(name));
    slot.replaceChildren(...wrapper.childNodes);
  }

  function watch(slot, decision) {
    let inView = false;
    let timer;
    const count = () => {
      stop();
      beacon(decision.viewable_url);
    };
    const time = () => {
      clearTimeout(timer);
      if (inView && !document.hidden) timer = setTimeout(count, 1000);
    };
    const observer = new IntersectionObserver((entries) => {
      if (latest.get(slot) !== decision) return stop();
      const { intersectionRatio, boundingClientRect: { width, height } } = entries.pop();
      const was = inView;
      inView = intersectionRatio >= (width * height > LARGE ? 0.3 : 0.5);
      if (inView !== was) time();
    }, { threshold: [0.3, 0.5] });
    const stop = () => {
      clearTimeout(timer);
      observer.disconnect();
      document.removeEventListener('visibilitychange', time);
    };
    document.addEventListener('visibilitychange', time);
    observer.observe(slot.querySelector('a img, iframe') || slot);
  }

  async function show(slot, decision) {
    const old = () => latest.get(slot) !== decision;
    latest.set(slot, decision);
    try {
      if (!decision.filled) {
        clear(slot);
        // Space in view, or above it, stays: nothing that is being read may move.
        const below = slot.getBoundingClientRect().top >= innerHeight;
        if (below && decision.on_empty === 'collapse') slot.setAttribute('data-collapsed', '');
        return tell(slot, 'empty', decision);
      }
      const wrapper = parse(decision.html);
      const loads = find('a img, iframe', wrapper).map((node) =>
        Promise.race([once(node, 'load'), once(node, 'error').then(() => Promise.reject())]));
      place(slot, wrapper);
      await Promise.all(loads);
      await new Promise(requestAnimationFrame); // of a hidden page: when it is looked at
    } catch (_) {
      if (old()) return;
      clear(slot);
      return tell(slot, 'error', decision);
    }
    if (old()) return;
    beacon(decision.impression_url);
    mark(decision);
    for (const src of decision.pixels || []) Object.assign(new Image(), { referrerPolicy: 'no-referrer', src });
    tell(slot, 'filled', decision);
    watch(slot, decision);
  }

  // Of one call, a campaign may win more places than this browser has left for it.
  const surplus = (decision, before) => {
    const nth = 1 + before.filter((one) => one && one.campaign === decision.campaign).length;
    return decision.frequency && nth > 1 && nth + seen(decision)[3] > decision.frequency.impressions;
  };

  async function fill(slots) {
    const again = new Set();
    while (slots.length) {
      const call = slots.splice(0, MAX_SLOTS);
      const others = find('[data-campaign]').filter((slot) => !call.includes(slot) && !slots.includes(slot));
      try {
        const decisions = await decide(call, others);
        call.forEach((slot, at) => {
          const decision = decisions[at];
          const more = decision && !again.has(slot) && surplus(decision, decisions.slice(0, at));
          if (!more) return show(slot, decision);
          again.add(slot); // decided once more; its campaign, on the page by then, is excluded
          slots.push(slot);
        });
      } catch ({ message }) {
        call.forEach((slot) => tell(slot, 'error', { slot: slot.dataset.slot, filled: false, error: message }));
      }
    }
  }

  let turn = (async () => {
    if (document.prerendering) await once(document, 'prerenderingchange');
    if (document.readyState === 'loading') await once(document, 'DOMContentLoaded');
    await fill(find('[data-slot]:not([data-campaign])'));
  })();

  // One call after the other: each knows what those before it have placed.
  window.adserver = {
    refresh: (names) => (turn = turn.then(() =>
      fill(find('[data-slot]').filter(({ dataset }) => !names || [].concat(names).includes(dataset.slot))))),
  };
})();
