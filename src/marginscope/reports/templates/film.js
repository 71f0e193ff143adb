"use strict";
(() => {
  const frames = [...document.querySelectorAll("#film img")];
  const bar = document.getElementById("frame");
  const button = document.getElementById("play");
  const pause = Math.max(70, 8000 / frames.length);
  let timer = null;
  const show = (place) => {
    frames.forEach((frame, i) => { frame.hidden = i !== place; });
    bar.value = String(place);
  };
  const stop = () => {
    clearInterval(timer);
    timer = null;
    button.textContent = "Play";
  };
  bar.addEventListener("input", () => { stop(); show(Number(bar.value)); });
  button.addEventListener("click", () => {
    if (timer !== null) { stop(); return; }
    button.textContent = "Pause";
    if (Number(bar.value) === frames.length - 1) { show(0); }
    timer = setInterval(() => {
      const next = Number(bar.value) + 1;
      if (next >= frames.length) { stop(); } else { show(next); }
    }, pause);
  });
})();
