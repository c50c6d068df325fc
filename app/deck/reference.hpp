#pragma once
/// The manual of the deck, printed from the descriptions of its options.

#include <string>

namespace spnode::app {

/// input/reference.yaml: a deck with every key at its default; type, unit and allowed values as comments.
std::string print_reference();

/// docs/deck-reference.md: the same as tables.
std::string print_reference_markdown();

}  // namespace spnode::app
