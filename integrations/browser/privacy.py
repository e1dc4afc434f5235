"""Which fields of a page hold what nobody is shown: passwords, codes, cards, accounts. Scripts for the page."""

# Of an element: '' or what kind of secret it holds. By what it says it is, and a card also by its number (Luhn).
PRIVACY = r"""(element) => {
  if (!element.matches('input, textarea, select')) return '';
  if (['submit', 'button', 'image', 'reset', 'checkbox', 'radio', 'file'].includes(element.type)) return '';
  const purposes = (element.getAttribute('autocomplete') || '').toLowerCase().split(/\s+/);
  if (element.type === 'password' || purposes.some(p => p.endsWith('-password'))) return 'password';
  if (purposes.includes('one-time-code')) return 'code';
  if (purposes.includes('cc-number')) return 'card';
  if (purposes.some(p => p.startsWith('cc-'))) return 'payment';
  const said = [element.name, element.id, element.placeholder, element.getAttribute('autocomplete'), element.getAttribute('aria-label'),
    ...[...(element.labels || [])].map(label => label.textContent.replace(element.textContent, '')),
    ...(element.getAttribute('aria-labelledby') || '').split(/\s+/).filter(Boolean)
      .map(id => (element.getRootNode().getElementById?.(id) || {}).textContent)];
  const words = ' ' + said.map(text => (text || '').slice(0, 300).replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/[^\p{L}\p{N}]+/gu, ' ').toLowerCase()).join(' | ') + ' ';
  const isSaid = pattern => new RegExp('(?<![\\p{L}\\p{N}])(?:' + pattern + ')(?![\\p{L}\\p{N}])', 'u').test(words);
  if (isSaid('(?:card|cc|pan|kredit ?karten?|karten) ?(?:number|num|no|nr|nummer)|(?:credit|debit) ?card|kredit ?karte')) return 'card';
  if (isSaid('cvc2?|cvv2?|csc|cvn|(?:card )?(?:security|verification) (?:code|number|value)|iban|prüfziffer')) return 'payment';
  if (isSaid('otp|totp|one ?time ?(?:code|pass ?code|pass ?word|pin)|(?:2fa|mfa|auth(?:entication|enticator)?|sms) ?code|(?:m|sms|push)? ?tan ?(?:code|nummer)|einmal ?code')) return 'code';
  for (const [run] of (element.value || '').matchAll(/\d(?:[\s\-–]{0,2}\d){12,18}/g)) {
    const digits = run.replace(/\D/g, '');
    const sum = [...digits].reverse().reduce((all, digit, at) => all + (at % 2 ? (digit * 2 > 9 ? digit * 2 - 9 : digit * 2) : +digit), 0);
    if (sum && sum % 10 === 0) return 'card';
  }
  return '';
}"""

# Everything below a root that is private, also in open shadow trees.
PRIVATE_BELOW = """(root) => {
  const privacyOf = PRIVACY, found = [];
  const search = below => { for (const element of below.querySelectorAll('*')) {
    if (privacyOf(element)) found.push(element);
    if (element.shadowRoot) search(element.shadowRoot);
  } };
  search(root);
  return found;
}""".replace("PRIVACY", PRIVACY)

SECRETS = f"() => ({PRIVATE_BELOW})(document).map(e => e.value).filter(Boolean)"

# A way of finding for Playwright, with which pictures are painted over.
ENGINE = "private-fields"
PRIVATE_FIELDS = f"{ENGINE}=all"
ENGINE_SCRIPT = f"""{{
  query(root) {{ return ({PRIVATE_BELOW})(root)[0] || null; }},
  queryAll(root) {{ return ({PRIVATE_BELOW})(root); }},
}}"""
