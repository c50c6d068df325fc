#pragma once
/// Contradictions between keys of a deck.

#include <map>
#include <string>

#include "app/deck.hpp"

namespace spnode::app {

/// For each key that was given: where, as the beginning of a message ("deck.yaml:3:4: ").
using Places = std::map<std::string, std::string>;

/// Raises UsageError for the first contradiction, at the place of the key that causes it.
void check_contradictions(const Deck& deck, const Places& places);

}  // namespace spnode::app
