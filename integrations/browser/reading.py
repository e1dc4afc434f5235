"""Scripts that read off a page."""

# Rows by heading; a row with another number of cells than there are headings is numbered from 1. Nothing but text.
READ_TABLE = """(element) => {
  const table = element.closest('table') || element.querySelector('table');
  if (!table) return null;
  const said = cell => cell.innerText.replace(/\\s+/g, ' ').trim();
  const rows = [...table.rows].slice(0, 2000);
  const heading = rows.find(row => [...row.cells].some(cell => cell.tagName === 'TH' && cell.scope !== 'row')) || rows[0];
  const names = heading ? [...heading.cells].map(said) : [];
  return rows.filter(row => row !== heading).map(row => Object.fromEntries(
    [...row.cells].map((cell, at) => [names[at] || String(at + 1), said(cell)])));
}"""

IS_PRESSED = """e => e.matches('button, input[type=submit], input[type=image], input[type=button], [role=button], a')"""
IS_TYPED_INTO = """e => e.matches('textarea, input:not([type=submit], [type=image], [type=button], [type=checkbox], [type=radio])')"""
WHY_INVALID = """e => { const form = e.form || e.closest('form'), bad = form && !form.noValidate && form.querySelector(':invalid:not(fieldset)');
  return bad ? `${bad.name || bad.id}: ${bad.validationMessage}` : '' }"""
