// A bare client of the library that the relay's destinations use (libcurl): the same requests at the same concurrency,
// with no journal, no classifier and no lane around them. What the relay's drain is held against.
//
//   curl_client STEPS --count N --concurrency N
//
// STEPS is a file of JSON: [{"method","url","headers":["Name: value"],"body"}]. Each unit does all steps in order; {n}
// in a URL or body becomes the unit's number. Every answer must be 2xx. Prints units a second as JSON.
#include <curl/curl.h>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>
#include <chrono>
#include <iostream>
#include <memory>
#include <stdexcept>

#include "base/file.hpp"

namespace {

struct Step {
  std::string method;
  std::string url;
  curl_slist* headers = nullptr;
  std::string body;
};

std::vector<Step> read_steps(const std::string& file) {
  const auto text = relay::read_file(file);
  if (!text) throw std::runtime_error(text.error().message);
  std::vector<Step> steps;
  const boost::json::value parsed = boost::json::parse(*text);
  for (const auto& each : parsed.as_array()) {
    Step step;
    step.method = each.at("method").as_string().c_str();
    step.url = each.at("url").as_string().c_str();
    step.body = each.at("body").as_string().c_str();
    for (const auto& header : each.at("headers").as_array())
      step.headers = curl_slist_append(step.headers, header.as_string().c_str());
    steps.push_back(std::move(step));
  }
  return steps;
}

std::string with_number(std::string text, const std::string& number) {
  for (std::size_t at = text.find("{n}"); at != std::string::npos; at = text.find("{n}", at + number.size()))
    text.replace(at, 3, number);
  return text;
}

std::size_t ignore(char*, std::size_t size, std::size_t count, void*) {
  return size * count;
}

class Client {
 public:
  Client(std::vector<Step> steps, std::uint64_t count)
      : steps_(std::move(steps)), left_(count), multi_(curl_multi_init()) {}
  ~Client() {
    for (auto& each : units_) curl_easy_cleanup(each->handle);
    curl_multi_cleanup(multi_);
    for (const auto& each : steps_) curl_slist_free_all(each.headers);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void run(unsigned concurrency) {
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, static_cast<long>(concurrency) * 4);
    for (unsigned i = 0; i < concurrency && left_ > 0; ++i) {
      units_.push_back(std::make_unique<Unit>());
      units_.back()->handle = curl_easy_init();
      begin_unit(*units_.back());
    }
    for (int running = 1; running > 0 || under_way_ > 0;) {
      curl_multi_perform(multi_, &running);
      take_answers();
      if (under_way_ > 0) curl_multi_poll(multi_, nullptr, 0, 1000, nullptr);
    }
  }

 private:
  struct Unit {
    CURL* handle = nullptr;
    std::size_t step = 0;
    std::string number;
    std::string body;
  };

  void begin_unit(Unit& unit) {
    --left_;
    ++under_way_;
    unit.number = std::to_string(++number_);
    unit.step = 0;
    begin_step(unit);
  }

  void begin_step(Unit& unit) {
    const Step& step = steps_[unit.step];
    unit.body = with_number(step.body, unit.number);
    curl_easy_setopt(unit.handle, CURLOPT_URL, with_number(step.url, unit.number).c_str());
    curl_easy_setopt(unit.handle, CURLOPT_CUSTOMREQUEST, step.method.c_str());
    curl_easy_setopt(unit.handle, CURLOPT_HTTPHEADER, step.headers);
    curl_easy_setopt(unit.handle, CURLOPT_POSTFIELDS, unit.body.data());
    curl_easy_setopt(unit.handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(unit.body.size()));
    curl_easy_setopt(unit.handle, CURLOPT_WRITEFUNCTION, ignore);
    curl_easy_setopt(unit.handle, CURLOPT_PRIVATE, &unit);
    curl_multi_add_handle(multi_, unit.handle);
  }

  void take_answers() {
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      Unit* unit = nullptr;
      long status = 0;
      curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &unit);
      curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
      if (message->data.result != CURLE_OK) throw std::runtime_error(curl_easy_strerror(message->data.result));
      if (status / 100 != 2)
        throw std::runtime_error(steps_[unit->step].method + " was answered " + std::to_string(status));
      curl_multi_remove_handle(multi_, unit->handle);
      if (++unit->step < steps_.size()) {
        begin_step(*unit);
        continue;
      }
      --under_way_;
      if (left_ > 0) begin_unit(*unit);
    }
  }

  const std::vector<Step> steps_;
  std::uint64_t left_;
  std::uint64_t number_ = 0;
  std::size_t under_way_ = 0;
  std::vector<std::unique_ptr<Unit>> units_;
  CURLM* const multi_;
};

}  // namespace

int main(int argc, char** argv) {
  std::string steps;
  std::uint64_t count = 1000;
  unsigned concurrency = 16;
  CLI::App app("Sends the same requests as a destination, with nothing around them.");
  app.add_option("steps", steps, "file of JSON")->required();
  app.add_option("--count", count)->check(CLI::PositiveNumber);
  app.add_option("--concurrency", concurrency)->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    curl_global_init(CURL_GLOBAL_ALL);
    Client client(read_steps(steps), count);
    const auto began = std::chrono::steady_clock::now();
    client.run(concurrency);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::cout << "{\"per_second\":" << static_cast<double>(count) / took.count() << "}\n";
  } catch (const std::exception& error) {
    std::cerr << "curl_client: " << error.what() << '\n';
    return 1;
  }
}
