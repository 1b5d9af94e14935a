// What a failure means in plain words, and what to do next, by the category of the error.

const AGAIN = "Retry. It begins anew: download what is finished before, if you want to keep it.";

const HELP = {
  provider: {
    heading: "The model did not answer",
    happened: "The service that writes for us could not be reached, or broke off, more than once.",
    next: "This mostly passes. Retry now, or in a few minutes. It begins anew.",
  },
  rate_limit: {
    heading: "The model is asked too often",
    happened: "The model's provider takes no more requests for the moment.",
    next: "Nothing is wrong with what you asked. Retry when the provider takes requests again.",
  },
  timeout: {
    heading: "The model took too long",
    happened: "It was silent for longer than it may be, more than once.",
    next: "Retry. If it happens again, ask for less at once.",
  },
  invalid_input: {
    heading: "The model will not do this",
    happened: "Its provider refused the request: because of what was asked, or because of the key or the model that are set up here.",
    next: "The same again would be refused again. Change what you ask for. If anything is refused, tell the operator.",
    change: true,
    operator: true,
  },
  invalid_output: {
    heading: "The answer could not be used",
    happened: "The model answered with something else than what it was asked for.",
    next: "A model answers differently each time: retry. If it happens again, say it in other words, or ask for less.",
    change: true,
  },
  storage: {
    heading: "It could not be stored",
    happened: "The database refused a part of it.",
    next: "Retry. If it happens again, tell the operator.",
    operator: true,
  },
  worker_lost: {
    heading: "The machines that worked on it were lost",
    happened: "One after the other went down in the middle of it. It has nothing to do with what you asked.",
    next: AGAIN,
    operator: true,
  },
  internal: {
    heading: "Something went wrong in the service",
    happened: "That is a mistake of the service, not of yours.",
    next: "Retry. If it happens again, tell the operator.",
    operator: true,
  },
  cancelled: {
    heading: "Cancelled",
    happened: "It was stopped on request.",
    next: AGAIN,
  },
};

/** Where the category says too little: what is wrong with a document is not the model's to refuse. */
const HELP_BY_CODE = {
  file_gone: {
    heading: "The document was deleted",
    happened: "Its file is not there any more. What was read of it before is kept.",
    next: "Upload it again, and ask for a new outline.",
    change: true,
  },
  file_changed: {
    heading: "The document is not what it was",
    happened: "Its bytes on the server's disk have changed. Nothing of the two was mixed.",
    next: "Upload it again, and ask for a new outline.",
    change: true,
    operator: true,
  },
  document_unreadable: {
    heading: "The document is no text",
    happened: "It begins like one, but goes on as something else.",
    next: "Save it as plain text in UTF-8, and upload that.",
    change: true,
  },
  document_empty: {
    heading: "There is no text in the document",
    happened: "It has nothing but white space.",
    next: "Choose another file.",
    change: true,
  },
};

/** For an error message of a session, or for a session that was cancelled; a category from the future is not known. */
export function helpFor(status, error) {
  if (status === "cancelled") return HELP.cancelled;
  return HELP_BY_CODE[error?.code] ?? HELP[error?.category] ?? { heading: "The generation failed", happened: error?.message ?? "The server gave no reason.", next: AGAIN, operator: true };
}
