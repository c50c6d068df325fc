#pragma once
/// Errors of options as errors of the deck that they come from.

#include <string>
#include <utility>

#include "app/deck/deck.hpp"

namespace spnode::app {

/// Raises UsageError for the first contradiction between keys, at the place of the key that causes it.
void check_contradictions(const Deck& deck);

/// Why a training of the deck counts time in the unit of the data alone; empty: it may in others.
std::string fixed_time_unit(const Deck& deck);

/// The error at the place of the first of its options that the deck gives; their names are keys of the deck.
UsageError at_its_key(const Deck& deck, const OptionError& error);

/// Runs `work`, where the options of `section` are used; an OptionError becomes a UsageError that names the
/// key and its place.
template <class Work>
decltype(auto) using_section(const Deck& deck, const std::string& section, Work&& work) {
  try {
    return in_section(section, std::forward<Work>(work));
  } catch (const OptionError& error) {
    throw at_its_key(deck, error);
  }
}

}  // namespace spnode::app
