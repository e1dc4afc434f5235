-- What every installation knows: the built-in workflows and our own agents.

insert into public.workflows (kind, name, description) values
  ('email', 'Draft an e-mail', 'Writes a mail to somebody and shows it before it is sent.'),
  ('reply', 'Answer a message', 'Answers what was written, in its thread, and shows it before it is sent.'),
  ('meeting_summary', 'Summarise a meeting', 'Decisions, action items and open questions from notes.'),
  ('summary', 'Summarise a text', 'The main points of a text.'),
  ('action_items', 'Extract action items', 'Who does what until when, from notes.'),
  ('report', 'Write a report', 'A report from what is known, with its sources.'),
  ('outline', 'Write an outline', 'The structure of a text to be written.'),
  ('translation', 'Translate', 'A text in another language.'),
  ('rewriting', 'Rewrite', 'A text, said differently.');

insert into public.agents (id, name, capabilities, system_instructions, is_internal) values
  ('00000000-0000-4000-8000-000000000001', 'Steward', array['thinking', 'tools'], 'Does tasks, breaks them down, or says what only a person can do.', true);
