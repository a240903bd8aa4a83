// When a question is asked, its beginning comes into view and the answer grows below it. The cursor waits in the input,
// but not on a phone, where that would open the keyboard.
(() => {
  const latest = () => document.querySelector('[class*="st-key-latest-"]');
  for (const moment of [0, 100, 300]) setTimeout(() => latest()?.scrollIntoView({ block: "start" }), moment);
  const input = () => document.querySelector('[data-testid="stChatInputTextArea"]');
  // The input may be drawn late, or drawn again: for five seconds it gets the cursor whenever nothing else has it.
  const wait = (times) => {
    const box = input();
    if (document.activeElement === document.body) box?.focus({ preventScroll: true });
    if (times > 0 && [document.body, box].includes(document.activeElement)) setTimeout(() => wait(times - 1), 100);
  };
  if (matchMedia("(pointer: fine)").matches) wait(50);
})();
