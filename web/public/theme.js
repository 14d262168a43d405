// Before anything is drawn: the theme that was chosen, or the system's, so that nothing flashes.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem("siegel.theme");
  } catch (e) {
    // without storage the system decides
  }
  var dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.classList.toggle("pf-v6-theme-dark", dark);
})();
