// A journal as the first version of edge-relay (schema 1) left it when it was stopped in good order, written row by
// row, so that the steps from there on can be tested wherever they are cut off.
#pragma once

#include <random>

#include "journal/journal.hpp"
#include "support/journal_model.hpp"

namespace relay {

// Makes it at options.path, over options.vfs, with its lock file. Holds queued and delivered submissions and dead
// letters, payloads in rows and in chunks, attempts, and more idempotency keys than one slice of a rotation takes;
// `model` knows all of it as acknowledged.
void make_first_version_journal(const JournalOptions& options, JournalModel& model, const Clock& clock,
                                std::mt19937_64& random);

}  // namespace relay
