/** TensorFlow's data types by their numbers (tensorflow/core/framework/types.proto); only those that we write. */
export const DataType = {
  float: 1,
  int32: 3,
  uint8: 4,
  string: 7,
  int64: 9,
  half: 19,
} as const;
export type DataType = (typeof DataType)[keyof typeof DataType];

/** The name that TensorFlow's own tools print. */
export const dataTypeName = (dtype: number): string => {
  const found = Object.entries(DataType).find(([, number]) => number === dtype);
  return `DT_${found ? found[0].toUpperCase() : dtype}`;
};
