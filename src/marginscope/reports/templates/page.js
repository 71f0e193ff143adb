"use strict";
(function () {
  // Sort a table by the clicked column; values that do not exist stay at the end.
  function key(row, column) {
    var cell = row.cells[column];
    return cell.dataset.v === undefined ? cell.textContent.trim() : cell.dataset.v;
  }
  function compare(a, b) {
    if (a === "" || b === "" || a === "\u2013" || b === "\u2013") {
      return null;
    }
    var x = Number(a), y = Number(b);
    return isNaN(x) || isNaN(y) ? a.localeCompare(b) : x - y;
  }
  function sort(button) {
    var head = button.closest("th"), table = head.closest("table"), body = table.tBodies[0];
    var column = head.cellIndex, down = head.getAttribute("aria-sort") === "ascending";
    var rows = Array.from(body.rows).map(function (row) { return { row: row, key: key(row, column) }; });
    rows.sort(function (a, b) {
      var order = compare(a.key, b.key);
      if (order === null) {
        return (a.key === "" || a.key === "\u2013") - (b.key === "" || b.key === "\u2013");
      }
      return down ? -order : order;
    });
    table.querySelectorAll("th[aria-sort]").forEach(function (one) { one.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    rows.forEach(function (entry) { body.appendChild(entry.row); });
  }
  document.querySelectorAll("button.ms-sort").forEach(function (button) {
    button.addEventListener("click", function () { sort(button); });
  });
  // Paper has no folds: open them for printing, then put them back.
  var opened = [];
  addEventListener("beforeprint", function () {
    opened = Array.from(document.querySelectorAll("details:not([open])"));
    opened.forEach(function (one) { one.open = true; });
  });
  addEventListener("afterprint", function () {
    opened.forEach(function (one) { one.open = false; });
  });
})();
