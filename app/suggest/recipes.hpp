#pragma once
/// Decks that suit a data set, from what a survey says of it.

#include <cstddef>
#include <string>
#include <vector>

#include "training/survey.hpp"

namespace spnode::app {

/// What a recipe's deck names.
struct RecipeNames {
  std::string data;                 ///< the trajectory file, or a pattern of several
  std::string output;               ///< the run directory
  std::vector<std::string> layout;  ///< further lines of the section data: "state: /u"
  std::vector<std::string> parameters, inputs;
};

/// A class of models with the way to train it.
struct Recipe {
  std::string name;  ///< "quadratic, started from operator inference"
  std::string deck;  ///< YAML with a comment behind each choice
};

/// Whether a part of the trajectories, or of the times of a single one, can be held out.
bool can_be_split(const training::Survey& survey);

/// One of so many trajectories is held out, by decks and by trials.
std::size_t one_in(std::size_t trajectories);

/// The decks to try, the most promising one first; at most four.
std::vector<Recipe> recipes(const training::Survey& survey, const RecipeNames& names);

}  // namespace spnode::app
