// When a question is asked, its beginning comes into view and the answer grows below it. The cursor waits in the input,
// but not on a phone, where that would open the keyboard.
(() => {
  const latest = () => document.querySelector('[class*="st-key-latest-"]');
  for (const moment of [0, 100, 300]) setTimeout(() => latest()?.scrollIntoView({ block: "start" }), moment);
  const input = () => document.querySelector('[data-testid="stChatInputTextArea"]');
  if (matchMedia("(pointer: fine)").matches) setTimeout(() => input()?.focus({ preventScroll: true }), 100);
})();
