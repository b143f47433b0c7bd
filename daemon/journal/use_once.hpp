// UseOnce: marks that may be used once, also over a restart: the `jti` of a sender's signed assertion, so that nobody
// gets a token with one that was overheard. A side of the journal that one door alone needs.
#pragma once

#include <functional>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "journal/journal.hpp"

namespace relay {

using UseOnceCallback = std::function<void(Result<bool, AppendRefusal>)>;

class UseOnce {
 public:
  virtual ~UseOnce() = default;
  // True the first time that mark is used; it is remembered until `until`. Asynchronous, from any thread; the callback
  // runs on the writer's thread once that is durable, or with the reason why it can't be.
  virtual void use_once(std::string_view mark, WallTime until, UseOnceCallback callback) = 0;
};

// Of a journal that open_journal() made: std::bad_cast for another.
UseOnce& use_once_of(Journal& journal);

}  // namespace relay
