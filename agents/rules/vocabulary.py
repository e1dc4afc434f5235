"""The words the rules know: verbs by class in English and German, and words that are no verbs. Data, no rules."""

# English base forms, with their particles.
ENGLISH: dict[str, str] = {
    "write": ("write, write up, draft, draft up, compose, author, formulate, pen, jot down, type up, word"),
    "make": (
        "prepare, create, make, generate, produce, build, put together, design, develop, set up, come up with, "
        "work out, assemble"
    ),
    "ideas": ("brainstorm, suggest, propose, think of, think up"),
    "reply": ("reply, reply to, answer, respond, respond to, get back to, write back"),
    "send": (
        "get in touch with, send, send out, send off, send over, resend, forward, pass on, email, e-mail, mail, invite, submit by "
        "email, thank, congratulate, apologise, apologize, follow up, follow up with, follow-up with, reach out "
        "to, chase, chase up"
    ),
    "message": (
        "ping, message, dm, slack, tell, notify, inform, text, ask, post, share, announce, publish, remind, "
        "nudge, whatsapp, tweet, let, update, warn, brief, cc, loop in"
    ),
    "summarize": ("summarize, summarise, recap, digest, condense, sum up, boil down"),
    "extract": (
        "extract, pull out, pull, list, list out, identify, collect, gather, compile, note down, write down, highlight"
    ),
    "translate": ("translate"),
    "rewrite": (
        "rewrite, rephrase, reword, shorten, proofread, polish, paraphrase, simplify, correct, edit, tidy up the "
        "wording, copyedit, copy-edit, expand, turn, convert, transform, reformat, clean up the text"
    ),
    "outline": ("outline, sketch, sketch out, structure"),
    "schedule": (
        "schedule, reschedule, arrange, book, book in, reserve, find a time, find time, find a slot, block, block "
        "off, block out, postpone, push back, bring forward, move, pencil in, rearrange"
    ),
    "plan": ("plan, plan out, organize, organise, coordinate, launch, kick off, host, run, roll out, manage, oversee"),
    "research": (
        "research, investigate, compare, explore, look into, look up, find, find out, google, evaluate, analyze, "
        "analyse, benchmark, assess, scout, survey, figure out, search for, search, look for, study, dig into, "
        "diagnose, troubleshoot, debug"
    ),
    "purchase": (
        "buy, order, re-order, reorder, purchase, get, grab, shop for, renew, subscribe to, pick out, stock up "
        "on, restock, replenish, rent"
    ),
    "payment": ("pay, pay off, transfer, settle, wire, reimburse, donate, top up, refund"),
    "call": ("call, call back, call up, phone, ring, ring up, dial, telephone, give a call, facetime"),
    "errand": (
        "get rid of, get hold of, get to, get started on, get going with, sign, sign up for, sign up, sign off, pick up, pick, collect from, drop off, drop, return, fix, repair, "
        "clean, clean up, clean out, wash, wash up, water, feed, walk, visit, meet, meet up with, meet with, "
        "attend, go, take, take out, take back, take down, bring, bring back, fetch, mow, vacuum, hoover, cook, "
        "bake, pack, unpack, print, print out, scan, install, uninstall, replace, change, charge, fill, fill in, "
        "fill out, file, submit, register, apply, apply for, cancel, check, check in, check in on, check out, "
        "check on, review, read, reread, test, approve, decide, decide on, confirm, verify, finish, complete, do, "
        "start, begin, practise, practice, learn, exercise, train, watch, try, try out, hang, hang up, hang out, "
        "paint, deliver, hand in, hand out, hand over, give, give back, back up, backup, "
        "upload, download, upgrade, deploy, merge, ship, close, open, lock, unlock, measure, sort, sort out, "
        "tidy, tidy up, empty, iron, sew, vote, see, talk to, talk with, speak to, speak with, discuss, contact, "
        "use, turn in, turn off, turn on, switch off, switch on, add, remove, delete, archive, label, move out, "
        "rake, sweep, mop, dust, scrub, rinse, fold, hem, mend, patch, glue, drill, mount, assemble "
        "the, dig, plant, prune, trim, cut, harvest, weed, fertilise, defrost, freeze, marinate, "
        "prep, chop, peel, boil, grill, roast, ice, decorate, wrap, unwrap, frame, drive, ride, bike, park, "
        "refuel, refill, service, inspect, insure, claim, dispute, appeal, object to, negotiate, interview, hire, "
        "fire, onboard, train up, coach, mentor, present, rehearse, perform, record, film, photograph, shoot, "
        "shave, brush, floss, stretch, run errands, jog, swim, meditate, pray, sleep, rest, weigh, log, track, "
        "enter, input, count, calculate, reconcile, balance, invoice, bill, audit, close out, stamp, notarise, "
        "notarize, certify, witness, vaccinate, groom, babysit, pet, comb, dress, bathe, bath, help, support, "
        "prepare for, get ready for, study for, revise for, work on, keep, put, put away, put up, put out, throw "
        "out, throw away, dispose of, recycle, sell, list for sale, rent out, lend, borrow, swap, "
        "exchange, trade, lay, set, set the table, reset, restart, reboot, configure, migrate, refactor, "
        "implement, code, release, tag, push, commit, rebase, revert, monitor, rotate, revoke, enable, "
        "disable, make up, make the bed, stop by, swing by, drop by, pop by, head to, come, join, leave, wait "
        "for, deal with, handle, take care of, look after, look at, go over, look over, wake up, wake, go through, go to, enrol, enroll, "
        "enrol in, enroll in, opt out of, unsubscribe from, unsubscribe, quit, fetch up, return to, remove from, "
        "escort, raise, reach, request, reclaim, retrieve, redeem, store, stow, "
        "stack, load, unload, oil, grease, seal, sand, varnish, tile, plaster, wallpaper, wire up, solder, knit, "
        "crochet, embroider, draw, colour, color, dye, tune, air, ventilate, heat, cool, light, "
        "extinguish, bury, burn, bin, bag, box, fast, vet, screen, shortlist, finalise, finalize, wrap "
        "up, hand off, escalate, assign, delegate, prioritise, prioritize, book off, take off, clear, clear out, "
        "clear up, de-ice, descale, disinfect, sanitise, sanitize, sterilise, winterise, "
        "mulch, compost, fence, dismantle, take apart, demolish, chain, tow, jump-start"
    ),
}

# German infinitives; a bar behind a separable prefix.
GERMAN: dict[str, str] = {
    "write": ("schreiben, auf|schreiben, entwerfen, verfassen, formulieren, auf|setzen, ab|fassen, texten"),
    "make": (
        "erstellen, vor|bereiten, machen, erzeugen, generieren, an|legen, aus|arbeiten, erarbeiten, entwickeln, "
        "gestalten, zusammen|stellen, ein|richten"
    ),
    "ideas": ("vor|schlagen, überlegen, aus|denken, brainstormen"),
    "reply": ("antworten, beantworten, zurück|schreiben, erwidern"),
    "send": (
        "schicken, senden, zu|schicken, zu|senden, verschicken, versenden, ab|schicken, ab|senden, weiter|leiten, "
        "ein|laden, mailen, weiter|geben, bedanken, entschuldigen, gratulieren, nach|haken, nach|fassen"
    ),
    "message": (
        "sagen, informieren, benachrichtigen, fragen, teilen, posten, erinnern, melden, mit|teilen, anpingen, "
        "an|pingen, an|schreiben, veröffentlichen, verkünden, nach|fragen, bescheid geben, bescheid sagen"
    ),
    "summarize": ("zusammen|fassen, resümieren"),
    "extract": (
        "extrahieren, heraus|ziehen, heraus|suchen, raus|suchen, auf|listen, sammeln, heraus|schreiben, "
        "identifizieren, heraus|filtern"
    ),
    "translate": ("übersetzen, übertragen"),
    "rewrite": (
        "kürzen, korrigieren, um|formulieren, um|schreiben, überarbeiten, vereinfachen, korrektur lesen, glätten, "
        "straffen, verbessern, lektorieren, umwandeln, um|wandeln"
    ),
    "outline": ("gliedern, skizzieren, strukturieren"),
    "schedule": (
        "vereinbaren, aus|machen, buchen, verschieben, verlegen, reservieren, ein|planen, ab|stimmen, an|setzen, "
        "terminieren, blocken"
    ),
    "plan": ("planen, organisieren, koordinieren, veranstalten, aus|richten, durch|führen, ein|führen"),
    "research": (
        "recherchieren, vergleichen, untersuchen, heraus|finden, finden, analysieren, suchen, prüfen lassen, "
        "nach|schauen, nach|sehen, nach|schlagen, erkunden, evaluieren, bewerten, aus|werten, ermitteln, "
        "erforschen, googeln, um|sehen, um|schauen"
    ),
    "purchase": (
        "kaufen, bestellen, besorgen, ein|kaufen, holen, verlängern, abonnieren, nach|kaufen, nach|bestellen, "
        "erwerben, an|schaffen, mieten"
    ),
    "payment": (
        "bezahlen, zahlen, überweisen, begleichen, spenden, ein|zahlen, zurück|zahlen, ab|bezahlen, auf|laden, "
        "erstatten"
    ),
    "call": ("an|rufen, telefonieren, zurück|rufen, durch|rufen"),
    "errand": (
        "bewerben, registrieren, immatrikulieren, unterschreiben, unterzeichnen, kündigen, ab|holen, ab|geben, bringen, zurück|bringen, zurück|geben, "
        "reparieren, putzen, waschen, ab|waschen, gießen, füttern, besuchen, treffen, gehen, nehmen, mit|nehmen, "
        "mit|bringen, mähen, kochen, backen, packen, aus|packen, ein|packen, drucken, aus|drucken, scannen, "
        "ein|scannen, installieren, tauschen, aus|tauschen, um|tauschen, wechseln, laden, füllen, aus|füllen, "
        "ein|reichen, beantragen, stornieren, ab|sagen, zu|sagen, prüfen, überprüfen, nach|prüfen, checken, "
        "lesen, durch|lesen, testen, genehmigen, entscheiden, bestätigen, erledigen, beenden, fertig|stellen, "
        "fertig|machen, lernen, üben, trainieren, schauen, an|schauen, an|sehen, probieren, aus|probieren, "
        "streichen, montieren, liefern, geben, ab|liefern, aktualisieren, auf|räumen, räumen, aus|räumen, "
        "ein|räumen, sortieren, aus|sortieren, leeren, aus|leeren, bügeln, nähen, sprechen, besprechen, "
        "kontaktieren, messen, an|melden, ab|melden, um|melden, hören, raus|bringen, runter|bringen, weg|bringen, "
        "weg|werfen, entsorgen, verkaufen, leihen, aus|leihen, verleihen, zurück|schicken, pflanzen, schneiden, "
        "ernten, jäten, dekorieren, schmücken, verpacken, fahren, tanken, parken, warten lassen, versichern, "
        "reklamieren, widersprechen, verhandeln, ein|stellen, präsentieren, proben, auf|nehmen, filmen, "
        "fotografieren, wiegen, ein|tragen, aus|tragen, zählen, rechnen, aus|rechnen, berechnen, ab|rechnen, "
        "verbuchen, impfen, helfen, unterstützen, arbeiten, weg|räumen, aus|schalten, ein|schalten, ab|schließen, "
        "auf|schließen, öffnen, schließen, zu|machen, auf|machen, sperren, entsperren, löschen, archivieren, "
        "sichern, hoch|laden, herunter|laden, runter|laden, um|ziehen, aus|ziehen, ein|ziehen, auf|bauen, "
        "ab|bauen, bauen, auf|hängen, ab|hängen, bohren, kleben, schrauben, saugen, staub|saugen, wischen, "
        "kehren, fegen, spülen, ab|trocknen, entkalken, lüften, heizen, düngen, schicken lassen, bei|treten, "
        "teil|nehmen, vorbei|gehen, vorbei|bringen, vorbei|fahren, hin|gehen, kümmern, ein|werfen, vor|lesen, "
        "renovieren, tapezieren, fliesen, verlegen lassen, freigeben, frei|geben, veranlassen, nach|reichen, "
        "nach|holen, vor|stellen, zeigen, stellen, legen, setzen, hängen, ab|legen, auf|füllen, um|buchen, "
        "ab|bestellen, kündigen lassen, ab|heben, wechseln lassen, aus|wählen, aus|suchen, verschenken, basteln, "
        "malen, zeichnen, singen, joggen, schwimmen, meditieren, schlafen, ab|schicken lassen"
    ),
}

# German forms that are English words too: they count only before a German word.
ALIKE = "back bring check fang film find form halt hang man mess miss pack park plan sing such test "
# English verbs that are names when written with a capital inside a sentence.
NAMES_TOO = (
    "art bath bill bob box chase dean drew faith frank grace grant guy hope ice jack josh joy mark nick page pat "
    "pet ray rob ross sue will "
)
# Words that open an English sentence without being a request.
NO_VERB = (
    "a about above across after again against ago agree ah all almost along already also although always am among "
    "an and another any anyone anything apparently are around as at away bad be because been before behind being "
    "believe below beside besides best between beyond bless both bought broke brought btw but by came can cannot "
    "care cheers comes congrats congratulations cool could damn dear did disagree does done doubt down drove during "
    "each either else enjoy enough especially even ever every everyone everything except feel feels felt few first "
    "flew for found from fwd fyi gave gets given glad god goes good got great grew guess had haha half happy has "
    "hate have having he hear heard held hello hence her here hers hey hi him his hope how how's however if imagine "
    "in indeed inside instead into is it its just kept kind knew know last later least left less let like loads lol "
    "looks lost lots love loved made makes many may maybe me mean means meanwhile met might mine miss more most "
    "much must my near need neither never next nice no nobody none nope nor not note nothing notice now of oh ok "
    "okay on once one only onto or other otherwise our ours out outside over own paid part per perhaps plenty plus "
    "ps quite ran rather re ready regarding regards remember sad said same saw says second see seem seems sent "
    "several shall she should since sincerely so some someone something sometimes soon sorry sounds spoke still "
    "subject such suppose takes than thank thanks that the their theirs them then there these they thing think "
    "third this those though thought threw through thus till to today together told tomorrow tonight tons too took "
    "toward towards under understand unless unlike until up upon us very via want was we welcome went were what "
    "what's whatever when whenever where whereas wherever whether which while who whoever whom whose why will wish "
    "with within without won wonder wore worth would wow wrote yeah yep yes yesterday yet you your yours "
)
# Capitalised words that are no person.
NOT_NAMES = (
    "a alle an api april august bescheid christmas das december dem den der deutsch deutsche deutschen dezember die "
    "dienstag discord donnerstag easter ein eine einen englisch englische englischen english februar february "
    "feedback französisch französische französischen freitag french friday german hr i ihr ihre it italian januar "
    "january juli july june juni mai march may mein meine meinen meiner mich mir mittwoch monday montag märz "
    "november october oktober ostern q1 q2 q3 q4 samstag saturday september slack sonntag spanisch spanische "
    "spanish sunday teams the thursday tuesday uns unser unsere unseren wednesday weihnachten zoom "
)
