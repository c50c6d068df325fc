// A deck of any bytes is read or refused with status 2, and what is read prints as a deck that says the same.
#include "app/deck/deck.hpp"

#include "fuzz.hpp"

using namespace spnode;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  app::Deck deck;
  const bool is_deck =
      fuzz::succeeds([&] { deck = app::read_deck(fuzz::to_string(data, size), "deck.yaml", {}); },
                     {ExitStatus::usage_error});
  if (!is_deck) return 0;
  const std::string printed = app::print_deck(deck);
  std::string again;
  fuzz::succeeds([&] { again = app::print_deck(app::read_deck(printed, "printed", {})); }, {});
  fuzz::require(again == printed, "the printed deck says something else");
  return 0;
}
