// Result<T>: a value, or the reason why there is none. For what is expected to happen (refused, unreachable, full);
// bugs and failed start-up are exceptions. Reading the side that isn't there is a bug and throws std::logic_error.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

namespace relay {

// A message says what, where, why, and what the reader can do. It never holds payload bytes or secrets.
struct Error {
  std::string message;
};

template <class E>
struct Failure {
  E error;
};
template <class E>
Failure(E) -> Failure<E>;

inline Failure<Error> fail(std::string message) {
  return {Error{std::move(message)}};
}

template <class T, class E = Error>
class [[nodiscard]] Result {
 public:
  Result(T&& value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(const T& value) : content_(std::in_place_index<0>, value) {}
  template <class F>
  Result(Failure<F> failure) : content_(std::in_place_index<1>, std::move(failure.error)) {}

  bool ok() const { return content_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return ok() ? std::get<0>(content_) : (misuse(), std::get<0>(content_)); }
  const T& value() const& { return ok() ? std::get<0>(content_) : (misuse(), std::get<0>(content_)); }
  T&& value() && { return std::move(value()); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  E& error() & {
    if (ok()) misuse();
    return std::get<1>(content_);
  }
  const E& error() const& {
    if (ok()) misuse();
    return std::get<1>(content_);
  }
  E&& error() && { return std::move(error()); }

 private:
  [[noreturn]] static void misuse() { throw std::logic_error("Result: the side that isn't there was read"); }
  std::variant<T, E> content_;
};

template <class E>
class [[nodiscard]] Result<void, E> {
 public:
  Result() = default;
  template <class F>
  Result(Failure<F> failure) : content_(std::in_place_index<1>, std::move(failure.error)) {}

  bool ok() const { return content_.index() == 0; }
  explicit operator bool() const { return ok(); }
  E& error() { return std::get<1>(content_); }
  const E& error() const { return std::get<1>(content_); }

 private:
  std::variant<std::monostate, E> content_;
};

}  // namespace relay
