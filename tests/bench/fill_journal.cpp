// Fills a journal, through the journal's own interface: what lies there afterwards is what a relay would have left.
//
//   fill_journal FILE [--queued N] [--delivered N] [--dead-letters N] [--bytes 2000] [--destination nowhere]…
#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

#include "bench/bench_journal.hpp"

namespace {

constexpr std::size_t under_way = 4096;

// So many more submissions, ended alike. In portions: what is claimed next is always at the front, and no more than a
// portion is ever open.
void append_and_end(relay::bench::BenchJournal& journal, std::size_t count,
                    const std::vector<std::string>& destinations, relay::Outcome outcome) {
  constexpr std::size_t portion = 100'000;
  for (std::size_t left = count; left > 0; left -= std::min(left, portion)) {
    journal.append(std::min(left, portion));
    for (const auto& each : destinations) {
      for (auto claims = journal.claim(each, under_way); !claims.empty(); claims = journal.claim(each, under_way))
        journal.settle(claims, outcome);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::string file;
  std::size_t queued = 0;
  std::size_t delivered = 0;
  std::size_t dead_letters = 0;
  std::size_t bytes = 2000;
  std::vector<std::string> destinations{"nowhere"};
  CLI::App app("Fills a journal.");
  app.add_option("file", file)->required();
  app.add_option("--delivered", delivered, "submissions that were delivered, and are kept");
  app.add_option("--dead-letters", dead_letters, "submissions that were refused for good");
  app.add_option("--queued", queued, "submissions that are queued");
  app.add_option("--bytes", bytes, "of each payload");
  app.add_option("--destination", destinations, "each submission goes to all of them");
  CLI11_PARSE(app, argc, argv);
  try {
    relay::bench::BenchJournal journal(file, destinations, bytes, under_way);
    append_and_end(journal, delivered, destinations, relay::Outcome::accepted);
    append_and_end(journal, dead_letters, destinations, relay::Outcome::refused);
    journal.append(queued);
  } catch (const std::exception& error) {
    std::cerr << "fill_journal: " << error.what() << '\n';
    return 1;
  }
}
