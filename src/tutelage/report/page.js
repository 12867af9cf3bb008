// Two small things: values on hover, and tables that sort by a click on a title. Without scripts the page reads the same.
const tip = document.getElementById("tip");
const hide = () => { tip.hidden = true; };
document.addEventListener("pointermove", (event) => {
  const owner = event.target.closest("[data-tip]");
  if (!owner) return hide();
  tip.textContent = owner.dataset.tip;
  tip.hidden = false;
  const room = 14;
  const left = event.clientX + room + tip.offsetWidth > window.innerWidth ? event.clientX - room - tip.offsetWidth : event.clientX + room;
  const top = event.clientY + room + tip.offsetHeight > window.innerHeight ? event.clientY - room - tip.offsetHeight : event.clientY + room;
  tip.style.left = Math.max(left, 4) + "px";
  tip.style.top = Math.max(top, 4) + "px";
});
document.addEventListener("scroll", hide, { passive: true });
window.addEventListener("beforeprint", () => { for (const fold of document.querySelectorAll("details")) fold.open = true; });

const value = (row, column) => row.cells[column].textContent.trim();
const number = (text) => parseFloat(text.replace(/,/g, ""));
for (const title of document.querySelectorAll("table.sortable th[scope=col]")) {
  title.tabIndex = 0;
  const sort = () => {
    const column = title.cellIndex;
    const isDown = title.getAttribute("aria-sort") === "ascending";
    for (const other of title.parentNode.cells) other.removeAttribute("aria-sort");
    title.setAttribute("aria-sort", isDown ? "descending" : "ascending");
    const body = title.closest("table").tBodies[0];
    const rows = [...body.rows].sort((one, two) => {
      const a = value(one, column), b = value(two, column);
      const order = isNaN(number(a)) || isNaN(number(b)) ? a.localeCompare(b) : number(a) - number(b);
      return isDown ? -order : order;
    });
    body.append(...rows);
  };
  title.addEventListener("click", sort);
  title.addEventListener("keydown", (event) => { if (event.key === "Enter") sort(); });
}
