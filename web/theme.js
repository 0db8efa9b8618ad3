/* web/theme.js - dark or light before the first paint: the remembered choice, else the system's. */
(() => {
  let choice = null;
  try {
    choice = localStorage.getItem('tapedeck.theme');
  } catch {
    /* storage may be off: then the system decides */
  }
  const system = matchMedia('(prefers-color-scheme: light)').matches ? 'light' : 'dark';
  document.documentElement.dataset.theme = choice === 'light' || choice === 'dark' ? choice : system;
})();
