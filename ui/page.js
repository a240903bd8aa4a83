// Brings the newest turn's beginning into view, and keeps it there while its graph is drawn: the page by itself follows
// the end of a text, and the first sentence is what answers. Whoever scrolls meanwhile is left alone.
(() => {
  let alone = false;
  for (const sign of ["wheel", "touchmove", "keydown", "pointerdown"]) {
    addEventListener(sign, () => { alone = true; }, { once: true, passive: true });
  }
  const show = () => {
    const newest = [...document.querySelectorAll('[class*="st-key-turn-"]')].at(-1);
    if (newest && !alone) newest.scrollIntoView({ block: "start" });
  };
  for (const moment of [0, 150, 500, 1000]) setTimeout(show, moment);
})();
