// Tables and code that are wider than the page scroll: a keyboard can, too. The theme wraps tables after this has been read.
const reachable = () => {
  for (const box of document.querySelectorAll(".md-typeset__scrollwrap:not([tabindex])")) {
    box.tabIndex = 0;
  }
};
new MutationObserver(reachable).observe(document.body, { childList: true, subtree: true });
reachable();
