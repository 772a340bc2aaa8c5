import type { TreeRecipe } from '../src/image/recipe.js';
export const recipe: TreeRecipe = {
  name: 'debian',
  description: '',
  produces: 'tree',
  fingerprint: () => '0',
  build() {
    throw new Error('not yet');
  },
};
